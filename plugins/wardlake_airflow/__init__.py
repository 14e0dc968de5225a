"""Airflow's side of Wardlake: it translates between Airflow and the library, and decides nothing itself."""
