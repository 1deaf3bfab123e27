"""Judgement of fit on the held-out rows."""
