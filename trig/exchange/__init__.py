"""The published benchmark's formats: JSON per task, and the layout on the Hugging Face hub."""

from trig.vocabulary.dimensions import Task

SPLITS = {Task.T2I: "text_to_image", Task.P2P: "image_editing", Task.S2P: "subject_driven"}
"""Names of the splits. Files of the JSON layout have hyphens."""
LFS = b"version https://git-lfs.github.com/spec/"
"""How the small file begins that stands for a large one where Git LFS did not fetch it."""
