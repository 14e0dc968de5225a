{{ unite('encounter_drgs') }}
