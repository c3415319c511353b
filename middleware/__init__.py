"""What watches every call: errors, roles, limits, telemetry and what was learned; and who may call at all over HTTP."""
