"""Taking ReLUs away from a trained network: by learned masks, or stage by stage."""
