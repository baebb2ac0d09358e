"""Networks of stages: ResNets, HybReNets, VGG, RegNet-X and ConvNeXt-V2."""
