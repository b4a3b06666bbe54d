"""The one bridge: what provisioning tells deploying and verifying, as documents that both sides check."""
