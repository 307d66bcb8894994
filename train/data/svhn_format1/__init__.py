"""SVHN format 1: archives fetched or found, digitStruct.mat read in bulk, a tensorflow-datasets builder, crops."""
