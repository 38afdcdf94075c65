//! TO BE WRITTEN: vk.
