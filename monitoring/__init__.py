"""Monitoring: what was answered and what came true."""
