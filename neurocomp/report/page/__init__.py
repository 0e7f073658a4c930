"""The report as one HTML file: no network access, light and dark, on a phone and on paper."""
