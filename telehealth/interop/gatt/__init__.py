"""Bluetooth health sensors: what the characteristics of the GATT services carry (Bluetooth SIG, GATT Specification)."""
