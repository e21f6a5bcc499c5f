"""`ssim`: planes from clusters of structural similarity (Payer 2023), all pairs computed at once.

`selector` chooses, `matrix` compares all planes on the CPU, `on_gpu` on a GPU, `content` leaves out what is background
anyway.
"""

from .selector import SSIMSelector

__all__ = ["SSIMSelector"]
