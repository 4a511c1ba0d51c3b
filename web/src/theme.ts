import {
  ActionIcon,
  Alert,
  Button,
  createTheme,
  Input,
  Menu,
  Modal,
  Table,
  Tooltip,
  type MantineColorsTuple,
} from '@mantine/core';

const leaf: MantineColorsTuple = [
  '#edf8f2',
  '#d7eee2',
  '#aedec5',
  '#82cca6',
  '#58b988',
  '#2f9d6c',
  '#178459',
  '#0f6f4a',
  '#0b5a3c',
  '#08452f',
];

const controlHeight: Record<string, string> = { xs: '28px', sm: '32px', md: '36px', lg: '40px' };
const heightOf = (size: unknown): string => controlHeight[typeof size === 'string' ? size : 'sm'] ?? '32px';

// Dark enough at 7 for white text (WCAG AA), which Mantine's own red is not.
const red: MantineColorsTuple = [
  '#fef1ef',
  '#fbdcd8',
  '#f6b5ad',
  '#f08b80',
  '#ea6658',
  '#e04937',
  '#c8321f',
  '#b42318',
  '#93190f',
  '#761309',
];

/** One accent, one type family, sizes on a 4 px grid. */
export const theme = createTheme({
  primaryColor: 'leaf',
  primaryShade: { light: 7, dark: 7 },
  colors: {
    leaf,
    red,
    // Neutral, slightly cool; 2 is readable on 7 and 8 (WCAG AA), which Mantine's own dimmed text is not.
    dark: [
      '#d3d7d9',
      '#bcc2c5',
      '#9aa2a6',
      '#6d767b',
      '#434b50',
      '#333a3f',
      '#272d31',
      '#1d2225',
      '#15191b',
      '#0f1214',
    ],
  },
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '20px', lineHeight: '28px' },
      h2: { fontSize: '16px', lineHeight: '24px' },
      h3: { fontSize: '14px', lineHeight: '20px' },
    },
  },
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  lineHeights: { xs: '16px', sm: '20px', md: '20px', lg: '24px', xl: '28px' },
  spacing: { xs: '8px', sm: '12px', md: '16px', lg: '24px', xl: '32px' },
  radius: { xs: '2px', sm: '4px', md: '6px', lg: '8px', xl: '12px' },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: Button.extend({
      defaultProps: { size: 'sm' },
      vars: (_theme, props) => ({
        root: {
          '--button-height': heightOf(props.size),
          '--button-fz': '13px',
          '--button-padding-x': props.size === 'xs' ? '8px' : '12px',
        },
        loader: {},
      }),
    }),
    ActionIcon: ActionIcon.extend({
      defaultProps: { variant: 'subtle', color: 'gray' },
      vars: (_theme, props) => ({ root: { '--ai-size': heightOf(props.size ?? 'xs') } }),
    }),
    Input: Input.extend({
      vars: (_theme, props) => ({ wrapper: { '--input-height': heightOf(props.size), '--input-fz': '13px' } }),
    }),
    Modal: Modal.extend({
      defaultProps: {
        centered: true,
        overlayProps: { backgroundOpacity: 0.4 },
        closeButtonProps: { 'aria-label': 'Close' },
        transitionProps: { duration: 100 },
      },
      styles: { title: { fontSize: '16px', lineHeight: '24px', fontWeight: 600 } },
    }),
    Menu: Menu.extend({ defaultProps: { shadow: 'md', position: 'bottom-end', transitionProps: { duration: 0 } } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 300, multiline: true, maw: 320, withArrow: true } }),
    Alert: Alert.extend({
      defaultProps: { variant: 'light' },
      // The tints of a light alert are too pale for text.
      styles: { title: { color: 'var(--mantine-color-text)' }, message: { color: 'var(--mantine-color-text)' } },
    }),
    Table: Table.extend({
      defaultProps: { fz: 'md', verticalSpacing: 4, horizontalSpacing: 12, highlightOnHover: true },
    }),
  },
});
