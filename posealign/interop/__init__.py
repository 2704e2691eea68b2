"""The formats hospitals speak: FHIR, BALP audit events, DICOM."""
