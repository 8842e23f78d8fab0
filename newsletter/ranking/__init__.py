"""Papers × interest profiles → picks: encoders, the blend of scores, reasons, selection, and its evaluation."""
