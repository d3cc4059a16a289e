"""What was answered and what came true: prediction log, feedback, performance, drift."""
