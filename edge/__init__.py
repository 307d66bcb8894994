"""The part that runs on the device: numpy, pillow and a TFLite interpreter, no TensorFlow and no Keras."""
