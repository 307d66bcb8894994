"""Methods of others, on the same images and by the same measure: those that the paper compares with, and an OCR.

Nothing else imports this package. It takes its data, its optimizer and its workdirs from `train`, as the one room of
`tools` that does: figures of two methods can be compared where their images and their accounting are the same.
"""
