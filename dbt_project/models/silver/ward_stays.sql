{{ unite('ward_stays') }}
