{{ unite('diagnoses') }}
