"""What the model practises, a file for each kind: functions that draw a document (`models/mixture.py` lists them)."""
