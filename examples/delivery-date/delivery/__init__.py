"""What `notebook/delivery-date.ipynb` does, as modules."""
