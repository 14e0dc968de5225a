{{ unite('encounters') }}
