"""Network families, their exact costs and their collapsed forms."""
