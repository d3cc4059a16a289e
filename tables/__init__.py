"""What a table and a row are: from any bytes to encoded rows, the same for learning and serving."""
