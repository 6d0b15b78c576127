"""Publishers: takes a host in over WHIP and hands its Opus frames to the stage."""
