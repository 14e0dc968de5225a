{{ unite('staff_shifts') }}
