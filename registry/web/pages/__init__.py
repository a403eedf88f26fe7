"""The pages for account owners, and the pages that everybody can open."""
