"""What tests share: real servers, real browsers, bad links, sound to send and to compare."""
