"""Pictures: functions from values to plotly figures."""
