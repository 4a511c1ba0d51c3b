import {
  ActionIcon,
  Anchor,
  Button,
  Menu,
  type ActionIconProps,
  type AnchorProps,
  type ButtonProps,
  type MenuItemProps,
} from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentProps } from 'react';

type LinkProps<Props> = Props & Omit<ComponentProps<'a'>, keyof Props>;

/** Mantine's components as typed links of the router: a real `href`, opened in place. */
export const AnchorLink = createLink((props: LinkProps<AnchorProps>) => <Anchor {...props} />);
export const ButtonLink = createLink((props: LinkProps<ButtonProps>) => <Button component="a" {...props} />);
export const IconLink = createLink((props: LinkProps<ActionIconProps>) => <ActionIcon component="a" {...props} />);
export const MenuLink = createLink((props: LinkProps<MenuItemProps>) => <Menu.Item component="a" {...props} />);
