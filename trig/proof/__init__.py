"""What a tuned model has to show on test prompts: changes by the judge and by a second eye, monitors, diversity."""
