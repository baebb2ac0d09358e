"""Networks of stages: ResNets, HybReNets and VGG."""
