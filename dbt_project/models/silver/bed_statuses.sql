{{ unite('bed_statuses') }}
