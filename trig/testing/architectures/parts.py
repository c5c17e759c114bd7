"""Tiny random autoencoders and denoising networks."""

from typing import Any

import diffusers

from trig.testing.architectures.texts import WIDTH

HEADS = {"num_attention_heads": 2, "attention_head_dim": 16}
BLOCKS = 4
"""Of an autoencoder: it shrinks a picture eightfold."""


def autoencoder(channels: int = 4, **others: Any) -> Any:
    """AutoencoderKL, factor 8."""
    return diffusers.AutoencoderKL(
        latent_channels=channels, block_out_channels=(8,) * BLOCKS, norm_num_groups=4, sample_size=64, layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * BLOCKS, up_block_types=("UpDecoderBlock2D",) * BLOCKS, **others,
    )  # fmt: skip


def flux_autoencoder() -> Any:
    """That of FLUX and SD3: 16 channels, shifted."""
    return autoencoder(16, shift_factor=0.1, scaling_factor=0.5, use_quant_conv=False, use_post_quant_conv=False)


def qwen_autoencoder() -> Any:
    """That of Qwen-Image, for videos of one frame."""
    return diffusers.AutoencoderKLQwenImage(
        base_dim=8, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True], latents_mean=[0.0] * 4, latents_std=[8.0] * 4
    )  # fmt: skip


def deep_autoencoder() -> Any:
    """That of Sana, factor 32."""
    return diffusers.AutoencoderDC(
        latent_channels=4, attention_head_dim=8, encoder_block_out_channels=(8,) * 6, decoder_block_out_channels=(8,) * 6, scaling_factor=0.5,
        encoder_layers_per_block=(1,) * 6, decoder_layers_per_block=(1,) * 6, encoder_qkv_multiscales=((),) * 6,
        decoder_qkv_multiscales=((),) * 6, encoder_block_types="ResBlock", decoder_block_types="ResBlock",
    )  # fmt: skip


def hunyuan_autoencoder() -> Any:
    """That of HunyuanImage, factor 32."""
    return diffusers.AutoencoderKLHunyuanImage(
        in_channels=3, out_channels=3, latent_channels=16, block_out_channels=(32,) * 6, layers_per_block=1, spatial_compression_ratio=32,
        sample_size=64, scaling_factor=0.5,
    )  # fmt: skip


def flux2_autoencoder() -> Any:
    """That of FLUX.2, normalised by running statistics."""
    return diffusers.AutoencoderKLFlux2(
        block_out_channels=(8,) * BLOCKS, latent_channels=4, norm_num_groups=4, layers_per_block=1, sample_size=64
    )


def unet(inputs: int = 4, **others: Any) -> Any:
    """UNet with cross-attention to the prompt."""
    return diffusers.UNet2DConditionModel(
        sample_size=8, in_channels=inputs, out_channels=4, block_out_channels=(8, 8, 16), layers_per_block=1, norm_num_groups=4,
        down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * 2), up_block_types=(*("CrossAttnUpBlock2D",) * 2, "UpBlock2D"),
        attention_head_dim=8,
        **{"cross_attention_dim": WIDTH, **others},
    )  # fmt: skip


def sdxl_unet() -> Any:
    """UNet that is told sizes and pooled prompts."""
    return unet(
        cross_attention_dim=2 * WIDTH, addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + WIDTH, use_linear_projection=True,
    )  # fmt: skip


def flux(guidance: bool) -> Any:
    """FLUX; `guidance`: distilled, so that it is an input."""
    return diffusers.FluxTransformer2DModel(
        in_channels=64, num_layers=1, num_single_layers=1, joint_attention_dim=WIDTH, pooled_projection_dim=WIDTH, guidance_embeds=guidance,
        axes_dims_rope=(4, 6, 6), **HEADS,
    )  # fmt: skip


def flux2(guidance: bool) -> Any:
    """FLUX.2: reads three layers of its text encoder."""
    return diffusers.Flux2Transformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, joint_attention_dim=3 * WIDTH, timestep_guidance_channels=16, axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=guidance, **HEADS,
    )  # fmt: skip


def sd3() -> Any:
    """Stable Diffusion 3."""
    return diffusers.SD3Transformer2DModel(
        sample_size=8, in_channels=16, num_layers=2, joint_attention_dim=2 * WIDTH, caption_projection_dim=WIDTH, pooled_projection_dim=2 * WIDTH,
        pos_embed_max_size=32, **HEADS,
    )  # fmt: skip


def sana(guidance: bool) -> Any:
    """Sana, or SANA-Sprint where guidance is an input."""
    return diffusers.SanaTransformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, num_cross_attention_heads=2, cross_attention_head_dim=16, cross_attention_dim=WIDTH,
        caption_channels=WIDTH, sample_size=2, guidance_embeds=guidance, qk_norm="rms_norm_across_heads" if guidance else None, **HEADS,
    )  # fmt: skip


def pixart() -> Any:
    """PixArt-Σ."""
    return diffusers.PixArtTransformer2DModel(
        in_channels=4, out_channels=8, num_layers=1, cross_attention_dim=WIDTH, caption_channels=WIDTH, sample_size=8, use_additional_conditions=False, **HEADS
    )  # fmt: skip


def omnigen(words: int) -> Any:
    """OmniGen: prompts are tokens of the network itself."""
    return diffusers.OmniGenTransformer2DModel(
        hidden_size=WIDTH, num_attention_heads=2, num_key_value_heads=2, intermediate_size=WIDTH, num_layers=1, pad_token_id=0, vocab_size=words,
        max_position_embeddings=4096, original_max_position_embeddings=4096, pos_embed_max_size=64,
        rope_scaling={"long_factor": [1.0] * 8, "short_factor": [1.0] * 8},
    )  # fmt: skip


def qwen_image() -> Any:
    """Qwen-Image."""
    return diffusers.QwenImageTransformer2DModel(
        in_channels=16, out_channels=4, num_layers=1, joint_attention_dim=WIDTH, axes_dims_rope=(4, 6, 6), **HEADS
    )


def z_image() -> Any:
    """Z-Image."""
    return diffusers.ZImageTransformer2DModel(
        in_channels=16, dim=WIDTH, n_layers=1, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=WIDTH, axes_dims=[4, 6, 6],
        axes_lens=[4096, 64, 64],
    )  # fmt: skip


def hunyuan_image() -> Any:
    """HunyuanImage 2.1: reads two text encoders."""
    return diffusers.HunyuanImageTransformer2DModel(
        in_channels=16, out_channels=16, num_layers=1, num_single_layers=1, num_refiner_layers=1, text_embed_dim=WIDTH, text_embed_2_dim=WIDTH,
        rope_axes_dim=(8, 8), **HEADS,
    )  # fmt: skip
