"""HL7 version 2: framing (MLLP), parsing, IHE PCD-01 observations and waves, PCD-04 alarms, acknowledgements."""
