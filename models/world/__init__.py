"""What the model is to know: tables, written for this project from general knowledge and read twice."""
