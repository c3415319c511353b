"""Archives: sessions in a file that a person can keep, read and bring back."""
