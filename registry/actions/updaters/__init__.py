"""What keeps an address up to date by itself: routers and links with a token, DDNS host names."""
