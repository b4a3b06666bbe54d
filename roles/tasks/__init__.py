"""What an operator types: each Fabric task, and the table and the checks it shows."""
