"""Triton runs in its interpreter where there is no GPU. It is told so before it is first imported."""

import os

import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
