"""Evaluation of a trained model on a split: readers give predictions, evaluators yield figures as (name, value).

An evaluator is called with a `Split` and knows nothing of the training loop. Figures have paths for names:
'error/dcn/8' is the error in percent with 8 patches, 'scales/2/error/dcn/8' the same averaged over two scales.
"""
