"""Pictures in and out: files, cameras, overlays."""
