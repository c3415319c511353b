"""What watches every call: errors, limits and telemetry, in this order, outermost first."""
