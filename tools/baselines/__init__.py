"""Methods of others that the paper compares with, trained on the same images and measured by the same measure.

Nothing else imports this package. It takes its data, its optimizer and its workdirs from `train`, as the one part of
`tools` that does: figures of two methods can be compared where their images and their accounting are the same.
"""
