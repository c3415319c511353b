"""What watches every call: errors, limits, telemetry and what was learned, in this order, outermost first."""
