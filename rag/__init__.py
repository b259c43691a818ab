"""The pipeline: articles in, cited and verified answers out."""
