"""Upkeep, from time to time: known vulnerabilities of what is installed, and its licences."""
