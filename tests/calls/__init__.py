"""Real calls: an AgentServer with job processes, a livekit-server, a caller, and AWS by moto."""
