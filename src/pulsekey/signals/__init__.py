"""The vocabulary of measurement: metrics, units, series, grades and the categories of consent."""
