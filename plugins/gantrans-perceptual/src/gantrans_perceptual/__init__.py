"""Likeness as a trained network sees it: the VGG feature loss, and LPIPS as loss and metric."""
