"""From links between images to clusters of images."""
