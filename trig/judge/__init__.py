"""VLM-as-judge: a TRIGScore per picture and dimension, from the token probabilities of the judge's grade."""
