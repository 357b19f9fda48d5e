"""Tables in and out: files as Arrow tables, and recorded outcomes read from them."""
